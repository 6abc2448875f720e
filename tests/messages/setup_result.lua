-- exit: 3
setup(function()
    return { users = { "a", "b" }, connect = function() end }
end)
scenario("browse", { vus = 1 }, function() end)
