-- exit: 3
-- stderr: netfault.network: option `subnet`: "10.66.0.0/31" is no network for hosts; write "10.66.0.0/24"
netfault.network { hosts = { "n1" }, subnet = "10.66.0.0/31" }
