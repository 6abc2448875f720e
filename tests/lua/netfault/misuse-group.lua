-- exit: 3
-- stderr: netfault.partition: group 2: item 1: expected a target
netfault.partition { { netfault.namespace("n1") }, { 5 } }
