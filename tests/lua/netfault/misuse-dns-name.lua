-- exit: 3
-- stderr: netfault.dns: option `names`: item 1: "a.*" is no name; write "db.example", "*.example" for all below it, or "*"
netfault.dns(netfault.host(), { error = "servfail", names = { "a.*" } })
