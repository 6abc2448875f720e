-- exit: 3
-- stderr: netfault.loss: option `states.p14`: p13 and p14 leave one state, and are more than 100% together
netfault.loss(netfault.host(), { states = { p13 = "60%", p31 = "60%", p14 = "50%" } })
