local shop = demo.shop{}
local api = http.client {
    base_url = shop.url,
    headers = { ["x-a"] = "1", ["x-b"] = "1" },
    query = { page = 2 },
    expected = { 200, 404 },
}
local seen = api:get("/headers", { headers = { ["X-B"] = "2" } }):json("$.headers")
expect(seen["x-a"] == "1" and seen["x-b"] == "2", "the call's headers win")
expect(api:get("items"):json("$.page") == 2, "a path without a slash, and the query")
expect(api:get("/status/404").ok, "its expectation")
expect(not api:get("/status/404", { expected = 200 }).ok, "unless the call has one")
expect(api:post("/echo", { body = "x" }).body == "x", "post")
expect(api:get(shop.url .. "/health").ok, "a whole URL is taken as it is")
expect(api:batch({ "/health", "/health" })[2].ok, "batch")

http.get(shop.url .. "/cookies/set?shared=1")
expect(api:get("/cookies"):json("$.cookies").shared == "1", "one jar for the virtual user")
