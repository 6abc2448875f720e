-- exit: 3
-- stderr: netfault.impair: nothing is impaired; give `delay`, `loss`, `rate` or another
netfault.impair(netfault.host(), { port = 80 })
