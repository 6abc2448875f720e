-- exit: 3
-- stderr: misuse-unknown-option.lua:5: http.get: unknown option `timout`; did you mean `timeout`?
local function caught()
    return pcall(function()
        http.get("http://127.0.0.1:1/", { timout = "1s" })
    end)
end
caught()
log.error("not reached")
