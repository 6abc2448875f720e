-- exit: 3
-- stderr: this would hit the whole loopback
-- needs: root, netns
inject(netfault.cut(netfault.host(), { to = "127.0.0.1" }))
