-- A program reads its file, gets EIO instead, and reads it again once that is healed.
-- needs: fuse
local folder = `/tmp/rchaos-io-{uuid()}`
local reader = process.spawn {
    cmd = { "sh", "-c", `mkdir {folder}; trap 'rm -rf {folder}; exit' TERM; echo data > {folder}/file; echo made; while :; do cat {folder}/file 2>&1; sleep 0.05; done` },
    ready = { log = "made" },
}
local function last(text)
    local log = reader:log()
    return string.sub(log, -#text) == text
end
eventually("it reads", function() return last("data\n") end, { within = "10s" })
local live = inject(stress.io_errors { path = folder, errno = "EIO", on = { "read" } }, { must_hit = true })
eventually("it gets an error", function() return last("Input/output error\n") end, { within = "10s" })
eventually("it is seen to act", function() return live.observed end, { within = "10s" })
live:heal()
eventually("it reads again", function() return last("data\n") end, { within = "10s" })
