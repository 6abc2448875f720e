-- exit: 3
-- stderr: netfault.namespace: the name: "../x" is no name of a network namespace
netfault.namespace("../x")
