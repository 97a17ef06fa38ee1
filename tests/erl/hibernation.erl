%% erlang:hibernate/3: the stack is dropped, the next message wakes the process in a new call.
-module(hibernation).
-export([main/0, woken/2, keep/1]).
-include("show.hrl").

main() ->
    Self = self(),
    Pid = spawn(fun() -> big_stack(100, Self) end),
    wait_for(Pid, {current_function, {erlang, hibernate, 3}}),
    {stack_size, Stack} = process_info(Pid, stack_size),
    ?SHOW(Stack < 10),
    ?SHOW(process_info(Pid, message_queue_len)),
    Pid ! hello,
    ?SHOW(receive {woken, What} -> What end),
    ?SHOW(with_message_waiting()),
    ?SHOW(dictionary_survives()),
    ?SHOW(state_survives(100)),
    ?SHOW(catch_is_dropped()),
    ?SHOW(sleeps_small()),
    ?TRY(erlang:hibernate(id("m"), f, [])),
    ?TRY(erlang:hibernate(m, f, lists:duplicate(5122, x))),
    ?TRY(erlang:hibernate(m, f, id(not_a_list))).

big_stack(0, Parent) -> erlang:hibernate(?MODULE, woken, [Parent, state]);
big_stack(N, Parent) -> {N, big_stack(N - 1, Parent)}.

woken(Parent, State) -> receive M -> Parent ! {woken, {State, M}} end.

with_message_waiting() ->
    Self = self(),
    Pid = spawn(fun() ->
                        receive go -> ok end,
                        erlang:hibernate(?MODULE, woken, [Self, waited])
                end),
    Pid ! early,
    Pid ! go,
    receive {woken, What} -> What end.

dictionary_survives() ->
    Self = self(),
    Pid = spawn(fun() -> put(key, lists:seq(1, 5)), erlang:hibernate(?MODULE, keep, [{dictionary, Self}]) end),
    Pid ! go,
    receive {kept, X} -> X end.

state_survives(N) ->
    Self = self(),
    Pid = spawn(fun() -> erlang:hibernate(?MODULE, keep, [{count, Self, N, [<<"binary">>, #{n => N}]}]) end),
    %% One for each call of keep/1, the last of which takes none.
    [Pid ! next || _ <- lists:seq(0, N)],
    receive {kept, X} -> X end.

keep({dictionary, Parent}) ->
    receive go -> Parent ! {kept, get(key)} end;
keep({count, Parent, 0, State}) ->
    Parent ! {kept, State};
keep({count, Parent, N, State}) ->
    receive next -> erlang:hibernate(?MODULE, keep, [{count, Parent, N - 1, State}]) end;
keep(fail) ->
    receive go -> exit(not_caught) end.

%% A sleeping process keeps no more than it needs.
sleeps_small() ->
    Pid = spawn(fun() -> _ = lists:seq(1, 10000), erlang:hibernate(?MODULE, keep, [lists:seq(1, 50)]) end),
    wait_for(Pid, {current_function, {erlang, hibernate, 3}}),
    {heap_size, Words} = process_info(Pid, heap_size),
    exit(Pid, kill),
    Words =< 110.

catch_is_dropped() ->
    {Pid, Ref} = spawn_monitor(fun() -> try erlang:hibernate(?MODULE, keep, [fail]) catch _:_ -> caught end end),
    Pid ! go,
    receive {'DOWN', Ref, process, Pid, Reason} -> Reason end.

wait_for(Pid, {Item, _} = Wanted) ->
    case process_info(Pid, Item) of
        Wanted -> ok;
        _ -> erlang:yield(), wait_for(Pid, Wanted)
    end.
