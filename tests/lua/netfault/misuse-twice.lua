-- exit: 3
-- stderr: netfault.partition: namespace n1 is there twice
local n1 = netfault.namespace("n1")
netfault.partition { { n1 }, { netfault.namespace("n1") } }
