-- exit: 3
-- stderr: option `tls.ca`: cannot find "no.pem"
prometheus.connect { tls = { ca = "no.pem" } }
