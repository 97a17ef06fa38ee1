%% The process dictionary.
-module(process_dictionary).
-export([main/0]).
-include("show.hrl").

main() ->
    %% The first process may hold entries of the machine's own: take a fresh one.
    {Pid, Ref} = spawn_monitor(fun run/0),
    receive {'DOWN', Ref, process, Pid, Reason} -> ?SHOW(Reason) end.

run() ->
    ?SHOW(get()),
    ?SHOW(put(a, 1)),
    ?SHOW(put(a, 2)),
    ?SHOW(get(a)),
    ?SHOW(get(nothing)),
    ?SHOW(put({complex, [key]}, #{value => "v"})),
    ?SHOW(put(1, int)),
    ?SHOW(put(1.0, float)),
    ?SHOW({get(1), get(1.0)}),
    ?SHOW(erase(1.0)),
    ?SHOW(get({complex, [key]})),
    ?SHOW(lists:sort(get())),
    ?SHOW(lists:sort(get_keys())),
    ?SHOW(put(b, 2)),
    ?SHOW(lists:sort(get_keys(2))),
    ?SHOW(erase(1)),
    ?SHOW(erase(1)),
    ?SHOW(lists:sort(erase())),
    ?SHOW(get()),
    [put({key, I}, I) || I <- lists:seq(1, 1000)],
    ?SHOW(length(get())),
    ?SHOW(lists:sum([get({key, I}) || I <- lists:seq(1, 1000)])),
    [erase({key, I}) || I <- lists:seq(1, 1000, 2)],
    ?SHOW(length(get())),
    erlang:garbage_collect(),
    ?SHOW(get({key, 500})),
    ?SHOW(get({key, 501})),
    ?SHOW([put({key, I}, new) || I <- [2, 4, 6]]),
    ?SHOW(length(get_keys(new))),
    {dictionary, D} = process_info(self(), dictionary),
    ?SHOW(length(D)),
    Self = self(),
    spawn(fun() -> Self ! {childs, get()} end),
    ?SHOW(receive {childs, Theirs} -> Theirs end),
    put(counter, 0),
    [put(counter, get(counter) + 1) || _ <- lists:seq(1, 1000)],
    ?SHOW(get(counter)),
    erase(),
    ?SHOW(get_keys()).
