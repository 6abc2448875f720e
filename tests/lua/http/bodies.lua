local shop = demo.shop{}
local echo = shop.url .. "/echo"

local res = http.post(echo, { json = { list = json.array{}, n = 1 } })
expect(res.headers["content-type"] == "application/json", "json has its type")
expect(res:json("$.n") == 1 and #res:json("$.list") == 0, "json")

res = http.post(echo, { form = { b = { "x", 2 }, a = "1 &" } })
expect(res.headers["content-type"] == "application/x-www-form-urlencoded", "form has its type")
expect(res.body == "a=1+%26&b=x&b=2", res.body)

res = http.post(echo, { multipart = {
    note = "hello",
    upload = http.file { data = "line\n", name = "a.txt", type = "text/plain" },
} })
expect(string.find(res.headers["content-type"], "multipart/form-data; boundary=", 1, true), "multipart has its type")
expect(string.find(res.body, 'name="note"\r\n\r\nhello\r\n', 1, true), "a field")
expect(string.find(res.body, 'filename="a.txt"\r\nContent-Type: text/plain\r\n\r\nline\n\r\n', 1, true), "a file")

res = http.post(echo, { json = {}, headers = { ["Content-Type"] = "application/vnd.api+json" } })
expect(res.headers["content-type"] == "application/vnd.api+json", "the script's own type wins")

res = http.post(echo, { body = string.rep("a", 10000), compression = "gzip" })
expect(#res.body < 200, "compressed on the way")
