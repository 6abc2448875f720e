-- flags: --env BASE=here
expect(env("BASE") == "here", "given")
expect(env("NOT_GIVEN_ANYWHERE") == nil, "not given")
expect(env("NOT_GIVEN_ANYWHERE", "there") == "there", "default")
