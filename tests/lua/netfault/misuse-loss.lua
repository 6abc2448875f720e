-- exit: 3
-- stderr: netfault.loss: option `loss` is missing; or give `gilbert` or `states`
netfault.loss(netfault.host(), { port = 80 })
