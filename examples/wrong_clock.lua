-- What does a program make of a clock that is wrong? One that hands out tokens for a minute is put ahead and behind.
-- Needs libfaketime (Debian: `faketime`), which the program is started with.
-- needs: faketime

-- A token is the time that it ends at, as the program writes them one after the other.
local issuer = process.spawn {
    name = "issuer",
    cmd = { "sh", "-c", "while :; do echo token $(( $(date +%s) + 60 )); sleep 0.05; done" },
    clock = { wall = true },
}

-- How long the newest token is valid for us, in seconds.
local function valid()
    local newest
    for time in string.gmatch(issuer:log(), "token (%d+)\n") do
        newest = tonumber(time)
    end
    return newest and newest - now() / 1000 or 0
end

eventually("tokens are good for a minute", function() return math.abs(valid() - 60) < 15 end, { within = "10s" })

local ahead = inject(stress.clock { target = issuer, offset = "+1h" })
eventually("a clock that is ahead makes them last too long", function() return valid() > 3000 end, { within = "10s" })
ahead:heal()

local behind = inject(stress.clock { target = issuer, offset = "-5m" })
eventually("one that is behind makes them worthless", function() return valid() < 0 end, { within = "10s" })
behind:heal()

eventually("they are good again", function() return math.abs(valid() - 60) < 15 end, { within = "10s" })
