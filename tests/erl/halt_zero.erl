%% halt/0 from a process that is not the first: exit code 0, output complete.
-module(halt_zero).
-export([main/0]).

main() ->
    spawn(fun() ->
                  [erlang:display({line, I}) || I <- lists:seq(1, 500)],
                  halt()
          end),
    receive never -> ok end.
