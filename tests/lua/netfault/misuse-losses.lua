-- exit: 3
-- stderr: netfault.loss: give one of `loss`, `gilbert` and `states`
netfault.loss(netfault.host(), { loss = "10%", gilbert = { to_bad = "1%", to_good = "30%" } })
