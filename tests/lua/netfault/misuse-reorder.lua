-- exit: 3
-- stderr: netfault.reorder: option `delay`: nothing overtakes what is not delayed
netfault.reorder(netfault.host(), { reorder = "5%", delay = "0ms" })
