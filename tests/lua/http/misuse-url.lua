-- exit: 3
-- stderr: http.get: "/items" is not a URL
http.get("/items")
