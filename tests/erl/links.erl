%% Links: who dies with whom, and with which reason.
-module(links).
-export([main/0]).
-include("show.hrl").

main() ->
    ?SHOW(death(fun() -> linked_child_fails(id(crash)) end)),
    ?SHOW(death(fun() -> linked_child_fails(normal) end)),
    ?SHOW(death(fun() -> linked_child_fails(kill) end)),
    ?SHOW(death(fun() -> linked_child_fails(killed) end)),
    ?SHOW(death(fun() -> linked_child_fails({shutdown, id(x)}) end)),
    ?SHOW(death(fun unlinked_in_time/0)),
    ?SHOW(death(fun link_to_the_dead/0)),
    ?SHOW(death(fun trapping_link_to_the_dead/0)),
    ?SHOW(death(fun() -> link(self()), exit(linked_to_self) end)),
    ?SHOW(death(fun parent_dies_child_dies/0)),
    ?SHOW(death(fun double_link/0)),
    ?SHOW(chain(id(50))),
    ?SHOW(death(fun links_of/0)),
    ?TRY(link(id(not_a_pid))),
    ?TRY(unlink(id(not_a_pid))).

%% Runs F in a process and says how it ended.
death(F) ->
    {Pid, Monitor} = spawn_monitor(F),
    receive
        {'DOWN', Monitor, process, Pid, {Reason, [_ | _]}} -> {crashed, Reason};
        {'DOWN', Monitor, process, Pid, Reason} -> Reason
    end.

linked_child_fails(Reason) ->
    spawn_link(fun() -> exit(Reason) end),
    receive after 200 -> exit(survived) end.

unlinked_in_time() ->
    Child = spawn_link(fun() -> receive die -> exit(too_late) end end),
    unlink(Child),
    Monitor = monitor(process, Child),
    Child ! die,
    receive {'DOWN', Monitor, process, Child, Reason} -> exit({survived, Reason}) end.

link_to_the_dead() ->
    link(dead_pid()),
    receive after 200 -> exit(survived) end.

trapping_link_to_the_dead() ->
    process_flag(trap_exit, true),
    Dead = dead_pid(),
    Result = link(Dead),
    receive {'EXIT', Dead, Reason} -> exit({link_gave, Result, Reason}) end.

parent_dies_child_dies() ->
    Self = self(),
    Parent = spawn(fun() ->
                           Child = spawn_link(fun() -> receive never -> ok end end),
                           Self ! {child, Child},
                           receive go -> exit(parent_gone) end
                   end),
    receive {child, Child} -> ok end,
    Monitor = monitor(process, Child),
    Parent ! go,
    receive {'DOWN', Monitor, process, Child, Reason} -> exit({child_died_of, Reason}) end.

%% A second link to the same process changes nothing; one unlink removes it.
double_link() ->
    Child = spawn_link(fun() -> receive die -> exit(late) end end),
    link(Child),
    link(Child),
    unlink(Child),
    Child ! die,
    Monitor = monitor(process, Child),
    receive {'DOWN', Monitor, process, Child, _} -> exit(survived_double_link) end.

%% N processes, each linked to the next; the last one's death reaches the first.
chain(N) ->
    process_flag(trap_exit, true),
    First = spawn_link(fun() -> chain_link(N) end),
    Result = receive {'EXIT', First, Reason} -> Reason end,
    process_flag(trap_exit, false),
    Result.

chain_link(0) -> exit({end_of_chain, self() =/= undefined});
chain_link(N) ->
    spawn_link(fun() -> chain_link(N - 1) end),
    receive never -> ok end.

links_of() ->
    Children = [spawn_link(fun() -> receive stop -> ok end end) || _ <- [1, 2, 3]],
    {links, Links} = process_info(self(), links),
    {links, Back} = process_info(hd(Children), links),
    exit({lists:sort(Links) =:= lists:sort(Children), Back =:= [self()]}).

dead_pid() ->
    {Pid, Monitor} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Monitor, process, Pid, normal} -> Pid end.
