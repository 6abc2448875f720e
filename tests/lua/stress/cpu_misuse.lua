-- A load has a unit.
-- exit: 3
-- stderr: stress.cpu: option `load`: 0.8 has no unit; write "80%"
stress.cpu { load = 0.8 }
