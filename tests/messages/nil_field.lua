-- exit: 3
setup(function()
    local session = { user = nil }
    return session.user.name
end)
scenario("browse", { vus = 1 }, function() end)
