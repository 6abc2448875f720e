-- exit: 3
-- stderr: netfault.dns: option `spoof`: db.example: "elsewhere" is no address; write "10.0.0.7"
netfault.dns(netfault.host(), { spoof = { ["db.example"] = "elsewhere" } })
