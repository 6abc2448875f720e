-- exit: 3
scenario("browse", { vus = 1 }, function()
    http.get("http://127.0.0.1:9/", { timeotu = "1s" })
end)
