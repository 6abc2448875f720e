-- exit: 3
-- stderr: netfault.reject: option `port`: "http" is no port and no range; write 5432 or "8000-8010"
netfault.reject(netfault.host(), { port = "http" })
