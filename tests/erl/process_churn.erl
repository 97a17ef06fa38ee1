%% Processes that come and go: their table slots, links, monitors and memory must come back.
%% gcstress: small
-module(process_churn).
-export([main/0, main/1]).
-include("show.hrl").

main() -> run(50000).

main([small]) -> run(300).

run(N) ->
    process_flag(trap_exit, true),
    Before = length(processes()),
    ?SHOW(spawned_and_gone(N, 0)),
    ?SHOW(monitored(N div 2, 0)),
    ?SHOW(linked(N div 2, 0)),
    ?SHOW(killed(N div 5, 0)),
    ?SHOW(tree_dies(10)),
    ?SHOW(star_dies(N div 50)),
    ?SHOW(unreceived(N div 10)),
    ?SHOW(back_to(Before, 200)),
    ?SHOW(receive Any -> Any after 0 -> mailbox_empty end).

%% The exit signals in a tree are still on their way when its root has ended.
back_to(Before, Tries) ->
    case length(processes()) - Before of
        0 -> all_gone;
        Left when Tries =:= 0 -> {still_there, Left};
        _ -> receive after 10 -> back_to(Before, Tries - 1) end
    end.

spawned_and_gone(0, Sum) -> Sum;
spawned_and_gone(N, Sum) ->
    Self = self(),
    spawn(fun() -> Self ! {hello, N} end),
    receive {hello, N} -> spawned_and_gone(N - 1, Sum + N) end.

monitored(0, Count) -> Count;
monitored(N, Count) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({bye, N}) end),
    receive {'DOWN', Ref, process, Pid, {bye, N}} -> monitored(N - 1, Count + 1) end.

linked(0, Count) -> Count;
linked(N, Count) ->
    Pid = spawn_link(fun() -> exit({bye, N}) end),
    receive {'EXIT', Pid, {bye, N}} -> linked(N - 1, Count + 1) end.

killed(0, Count) -> Count;
killed(N, Count) ->
    {Pid, Ref} = spawn_monitor(fun() -> receive never -> ok end end),
    exit(Pid, kill),
    receive {'DOWN', Ref, process, Pid, killed} -> killed(N - 1, Count + 1) end.

%% A binary tree of linked processes, ended at one leaf.
tree_dies(Depth) ->
    Self = self(),
    Root = spawn_link(fun() -> tree(Depth, Self, true) end),
    receive {leaf, Leaf} -> exit(Leaf, felled) end,
    receive {'EXIT', Root, Reason} -> Reason end.

tree(0, Owner, true) -> Owner ! {leaf, self()}, receive never -> ok end;
tree(0, _, false) -> receive never -> ok end;
tree(Depth, Owner, Leftmost) ->
    spawn_link(fun() -> tree(Depth - 1, Owner, Leftmost) end),
    spawn_link(fun() -> tree(Depth - 1, Owner, false) end),
    receive never -> ok end.

%% One process with many links.
star_dies(N) ->
    Self = self(),
    Hub = spawn(fun() ->
                        Pids = [spawn_link(fun() -> receive never -> ok end end) || _ <- lists:seq(1, N)],
                        Self ! {spokes, Pids},
                        receive stop -> exit(hub_gone) end
                end),
    Pids = receive {spokes, P} -> P end,
    Refs = [monitor(process, Pid) || Pid <- Pids],
    Hub ! stop,
    lists:usort([receive {'DOWN', Ref, process, _, Reason} -> Reason end || Ref <- Refs]).

%% A process dies with a full mailbox.
unreceived(N) ->
    {Pid, Ref} = spawn_monitor(fun() -> receive stop -> ok end end),
    [Pid ! {I, binary:copy(<<"x">>, 100)} || I <- lists:seq(1, N)],
    Pid ! stop,
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.
