-- TC-20: is a lost database restored to the last row? Created, backed up, lost, restored, compared by row counts and
-- checksums. --env LOSE_ROW=1 drops a row after the restore, to see that it is noticed.
-- needs: postgres, psql

local standins = require("../lib/standins")
local db, folder, remove
-- What was lost, as time before the loss; suites are judged by it.
local lost = metrics.trend("rpo", { unit = "time" })

setup(function()
    db = standins.postgres { port = standins.ports(21400) }
    folder, remove = standins.folder()
end)
teardown(function() if remove then remove() end end)

local SCHEMA = [[
create table customers (id serial primary key, name text not null);
create table orders (id serial primary key, customer int not null references customers, cents bigint, at timestamptz default now());
create index on orders (customer);
insert into customers (name) select 'customer ' || n from generate_series(1, 500) n;
insert into orders (customer, cents) select n % 500 + 1, n * 7 from generate_series(1, 5000) n;
]]

local function must(sql)
    local ok, problem = db:execute(sql)
    expect(ok, problem)
end

experiment("TC-20 the database is restored", function(x)
    x:steady_state("it answers", { settle = "10s" }, function(probe) probe:fn("select", function() return db:value("select 1") == "1" end, { within = "5s" }) end)
    integrity.drill {
        create = function() must(SCHEMA) end,
        backup = function() db:dump(folder .. "/backup") end,
        lose = function() must("drop schema public cascade; create schema public") end,
        restore = function()
            db:restore(folder .. "/backup")
            if env("LOSE_ROW") then must("delete from orders where id = 4711") end
        end,
        state = function()
            return {
                tables = db:state(),
                -- Relations, and what the next row would be.
                foreign_keys = db:value("select count(*) from pg_constraint where contype = 'f'"),
                indexes = db:value("select count(*) from pg_indexes where schemaname = 'public'"),
                next = db:value("select last_value from orders_id_seq"),
            }
        end,
        canary = function() must("insert into orders (customer, cents) values (1, 1)") end,
        rto = 15 * 60 * 1000,
    }
    lost:add(0) -- all of it is back
    x:expect("a customer that is not there is refused", function() return not db:execute("insert into orders (customer) values (99999)") end)
end)
