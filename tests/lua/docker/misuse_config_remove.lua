-- Only a secret comes from a file.
-- exit: 3
-- stderr: docker.config:remove takes no options

docker.config("settings"):remove { file = "/root/settings" }
