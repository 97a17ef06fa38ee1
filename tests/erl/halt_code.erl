%% halt/1 ends the machine at once, with its argument as exit code.
-module(halt_code).
-export([main/0]).

main() ->
    spawn(fun() -> receive after 100 -> erlang:display(never_shown) end end),
    erlang:display(before_halt),
    halt(3),
    erlang:display(not_reached).
