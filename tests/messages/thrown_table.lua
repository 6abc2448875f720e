-- exit: 3
setup(function()
    error({ code = 42 })
end)
scenario("browse", { vus = 1 }, function() end)
