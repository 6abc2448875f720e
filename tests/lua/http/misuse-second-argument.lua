-- exit: 3
-- stderr: http.post: expected a table of options, got a string; write http.post(url, { body = … })
http.post("http://127.0.0.1:1/", "text")
