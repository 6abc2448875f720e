-- exit: 3
-- stderr: netfault.partition: option `between`: expected pairs of two groups by their numbers, 1 to 2, as in { { 1, 3 }, { 2, 4 } }
netfault.partition({ { netfault.namespace("a") }, { netfault.namespace("b") } }, { between = { { 1, 3 } } })
