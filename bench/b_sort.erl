%% OTP's lists:sort over 200,000 integers and 50,000 tuples.
-module(b_sort).
-export([run/0]).

run() -> lists:foldl(fun(_, _) -> once() end, none, lists:seq(1, 4)).

once() ->
    Integers = random(200000, 42),
    Tuples = [{X rem 1000, X, name} || X <- random(50000, 7)],
    {lists:nth(1000, lists:sort(Integers)), lists:nth(1000, lists:sort(Tuples)), length(lists:usort(Integers))}.

random(0, _) -> [];
random(N, Seed) ->
    Next = (Seed * 1103515245 + 12345) band 16#7FFFFFFF,
    [Next bsr 4 | random(N - 1, Next)].
