-- exit: 3
-- stderr: netfault.partition: option `one_way` goes into a table of its own, behind the groups
netfault.partition { { netfault.namespace("a") }, { netfault.namespace("b") }, one_way = true }
