-- exit: 3
-- stderr: netfault.partition: it takes two groups at least; write { { a, b }, { c } }
netfault.partition { { netfault.namespace("n1") } }
