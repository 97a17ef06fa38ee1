%% Persistent terms that are replaced and erased while processes have them: what a process has stays what it was.
%% needs: preloaded modules
-module(persistent_values).
-export([main/0]).
-include("show.hrl").
-include("literals.hrl").

main() ->
    Bytes = list_to_binary(lists:duplicate(100, $x)),
    Self = self(),
    persistent_term:put(first, {first, [1, 2, 3], Bytes}),
    Value = persistent_term:get(first),
    Holder = spawn(fun() ->
                           Kept = persistent_term:get(first),
                           put(kept, [Kept]),
                           Self ! ready,
                           receive {tell, P} -> P ! {told, get(kept), Kept} end
                   end),
    receive ready -> ok end,
    persistent_term:put(first, {second, [4]}),
    release(),
    ?SHOW({persistent_term:get(first), Value}),
    %% Others where the old one was.
    [begin
         persistent_term:put({more, I rem 7}, {I, lists:seq(1, I), Bytes}),
         release()
     end || I <- lists:seq(1, 50)],
    Holder ! {tell, self()},
    receive {told, A, B} -> ?SHOW({A, B =:= Value}) end,
    ?SHOW([persistent_term:erase({more, I}) || I <- lists:seq(0, 7)]),
    ?SHOW({persistent_term:erase(first), persistent_term:erase(first), persistent_term:get(first, none)}),
    release(),
    garbage_collect(),
    persistent_term:put(last, lists:seq(1, 50)),
    ?SHOW({Value, length(persistent_term:get(last))}).
