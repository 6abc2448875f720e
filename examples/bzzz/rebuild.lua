-- TC-22: can everything be built again from nothing? The state of database, cache and cluster is noted and backed up,
-- all of it thrown away, started again elsewhere, restored and compared: within 15 min, health above 0.9.
-- --env FORGET=cache leaves one out, to see that it is noticed.
-- needs: etcd, postgres, psql, redis-server, redis-cli

local standins = require("../lib/standins")
local port = standins.ports(21500)
local folder, remove

setup(function() folder, remove = standins.folder() end)
teardown(function() if remove then remove() end end)

-- Everything that there is, at ports from here on. Ends with the step that it is started in.
local function deploy(from)
    local cluster = standins.etcd { port = from }
    return { db = standins.postgres { port = from }, cache = standins.redis { port = from + 1 }, cluster = cluster }
end

local function state(all)
    return {
        database = all.db:state(),
        cache = all.cache:state(),
        cluster = all.cluster:list("config/"),
    }
end

local function health(all)
    local well = 0
    local looks = { function() return all.db:value("select 1") == "1" end, function() return all.cache:up() end,
        function() return all.cluster:leader() ~= nil end }
    for _, look in looks do
        if look() then well += 1 end
    end
    return well / #looks
end

experiment("TC-22 everything is built again", function(x)
    local before, kept
    x:step("what there is", function(s)
        local all = deploy(port)
        s:expect("created", function()
            return all.db:execute("create table tasks as select n as id, md5(n::text) as body from generate_series(1, 2000) n")
        end)
        local lines = {}
        for number = 1, 300 do lines[number] = `SET session:{number} {uuid()}` end
        all.cache:pipe(lines)
        for number = 1, 20 do all.cluster:put(`config/{number}`, uuid()) end
        before = state(all)
        all.db:dump(folder .. "/database")
        kept = { cluster = before.cluster, cache = {} }
        local keys = string.split(all.cache:command("KEYS", "*"), "\n")
        for place, value in string.split(all.cache:command("MGET", table.unpack(keys)), "\n") do kept.cache[keys[place]] = value end
    end)
    local lost = now()
    x:step("built again", function(s)
        local all = deploy(port + 40)
        if env("FORGET") ~= "database" then all.db:restore(folder .. "/database") end
        local lines = {}
        for key, value in kept.cache do table.insert(lines, `SET {key} {value}`) end
        if env("FORGET") ~= "cache" then all.cache:pipe(lines) end
        for key, value in kept.cluster do all.cluster:put(key, value) end
        local differs = integrity.differences(before, state(all))
        log.info("built again", { after_ms = math.floor(now() - lost) })
        s:expect("all is as before", function() return #differs == 0 end, table.concat(differs, "; ", 1, math.min(5, #differs)))
        s:expect("health above 0.9", function() return health(all) > 0.9 end)
        s:expect("within 15 min", function() return now() - lost < 15 * 60 * 1000 end)
    end)
end)
