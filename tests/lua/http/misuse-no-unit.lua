-- exit: 3
-- stderr: http.get: option `timeout`: 5 has no unit; write "5ms" or "5s"
http.get("http://127.0.0.1:1/", { timeout = 5 })
