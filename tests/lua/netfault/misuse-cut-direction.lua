-- exit: 3
-- stderr: netfault.cut: unknown option `direction`
netfault.cut(netfault.host(), { direction = "both" })
