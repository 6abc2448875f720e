-- flags: --yes
-- stdout: ✓ cache day
-- A gameday that answers itself.
gameday("cache day", function(g)
    expect(g.name == "cache day", "it has its name")
    g:phase("one", function(p)
        expect(p.name == "one", "so has its phase")
        expect(p:confirm("Go on?") == true, "yes")
        expect(p:choose("Who?", { "ana", "bo" }, { default = "bo" }) == "bo", "the default")
        p:sleep("10ms")
        p:expect("is true", function() return true end)
        expect(p:score("n", 3, { target = 3 }) == true, "as it should be")
        expect(p:wait_mark("seen") < 10000, "at once")
    end)
    g:note("done")
end)
