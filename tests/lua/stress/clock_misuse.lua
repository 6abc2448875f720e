-- An offset says ahead or behind.
-- exit: 3
-- stderr: stress.clock: option `offset`: "1h" says neither ahead nor behind; write "+1h" or "-1h"
stress.clock { target = process.find { name = "etcd" }, offset = "1h" }
