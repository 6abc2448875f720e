-- exit: 3
setup(function()
    return http.gett("http://127.0.0.1:9/")
end)
scenario("browse", { vus = 1 }, function() end)
