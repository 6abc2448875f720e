-- What can the HTTP client do? One group per feature; each states what it expects.

local shop = env("BASE_URL") or demo.shop {}.url

group("a response", function()
    local res = http.get(shop .. "/items/7")
    expect(res.ok and res.status == 200 and res.version == "HTTP/1.1")
    expect(res.headers["content-type"] == "application/json", "header names are lower-case")
    expect(res:json("$.id") == 7 and res:json().name == res:json("$.name"))
    log.info("timings", { total = res.timings.total, connecting = res.timings.connecting, waiting = res.timings.waiting })
end)

group("bodies", function()
    expect(http.post(shop .. "/echo", { body = "as it is" }).body == "as it is")
    expect(http.post(shop .. "/echo", { json = { a = { 1, 2 } } }):json("$.a[1]") == 2)
    expect(http.put(shop .. "/echo", { form = { q = "tea & cake" } }).headers["content-type"] == "application/x-www-form-urlencoded")
    local upload = http.post(shop .. "/echo", { multipart = {
        note = "two parts",
        users = http.file("data/users.csv", { type = "text/csv" }),
    } })
    expect(string.find(upload.body, 'filename="users.csv"', 1, true), "the file has its name")
end)

group("query and headers", function()
    local page = http.get(shop .. "/items", { query = { page = 2 } })
    expect(page:json("$.page") == 2)
    local seen = http.get(shop .. "/headers", { headers = { ["X-Run"] = "42" } })
    expect(seen:json("$.headers.x-run") == "42")
end)

group("methods and expected statuses", function()
    expect(http.head(shop .. "/items").body == "")
    -- 404 is what this request is after, so it does not count as failed.
    local gone = http.request("GET", shop .. "/orders/999999999", { expected = { 404, 410 } })
    expect(gone.ok and gone.status == 404)
end)

group("authentication", function()
    local page = shop .. "/basic-auth/ada/secret"
    expect(http.get(page, { expected = 401 }).status == 401)
    expect(http.get(page, { auth = { basic = { "ada", "secret" } } }).status == 200)
    local seen = http.get(shop .. "/headers", { auth = { bearer = "t0ken" } })
    expect(seen:json("$.headers.authorization") == "Bearer t0ken")
end)

group("redirects", function()
    expect(http.get(shop .. "/redirect/3").status == 200, "followed, ten at most")
    local first = http.get(shop .. "/redirect/3", { redirects = 0 })
    expect(first.status == 302 and first.headers.location == "/redirect/2")
end)

group("cookies", function()
    -- Every user has a jar; it is emptied when an iteration begins.
    http.get(shop .. "/cookies/set?basket=b42")
    expect(http.get(shop .. "/cookies"):json("$.cookies.basket") == "b42")
    local once = http.get(shop .. "/cookies", { cookies = { theme = "dark" } })
    expect(once:json("$.cookies.theme") == "dark", "a cookie for one request")
    -- The jar itself can be read and written.
    http.cookies.set(shop, "coupon", "c7", { max_age = "1h" })
    expect(http.cookies.get(shop, "coupon") == "c7" and http.cookies.list(shop).basket == "b42")
    http.cookies.clear()
end)

group("compression", function()
    expect(http.get(shop .. "/gzip"):json("$.gzipped") == true, "what comes compressed is unpacked")
    local sent = http.post(shop .. "/echo", { body = string.rep("a", 10000), compression = "gzip" })
    expect(#sent.body < 1000, "what is sent may be compressed too")
end)

group("side by side", function()
    local begin = now()
    local answers = http.batch {
        left = { "GET", shop .. "/slow?ms=150" },
        right = { "GET", shop .. "/slow?ms=150" },
    }
    expect(answers.left.status == 200 and answers.right.status == 200)
    expect(now() - begin < 290, "both waited at the same time")
end)

group("a client with defaults", function()
    local api = http.client { base_url = shop, headers = { ["x-team"] = "checkout" }, timeout = "5s" }
    expect(api:get("/headers"):json("$.headers.x-team") == "checkout")
    expect(api:post("/orders", { json = { item = 1, quantity = 1 } }).status == 201)
end)

group("failure is data", function()
    local late = http.get(shop .. "/slow?ms=2000", { timeout = "100ms" })
    expect(late.status == 0 and late.error_code == 1050, "timed out")
    local refused = http.get("http://127.0.0.1:1/")
    expect(refused.status == 0 and refused.error_code == 1212, "refused")
    expect(refused.body == "" and refused:json() == nil, "and there is nothing to trip over")
    log.info("refused", { error = refused.error })
end)

group("large bodies", function()
    local big = http.get(shop .. "/bytes/5000000", { discard_body = true })
    expect(big.status == 200 and big.body == "", "read and dropped, at no cost in memory")
end)
