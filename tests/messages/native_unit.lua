-- exit: 3
scenario("browse", { vus = 1 }, function()
    local function pause()
        sleep(5)
    end
    pause()
end)
