%% Lists of as many arguments as no function has, and of more than there are registers: apply, spawn, hibernate.
%% needs: OTP
-module(many_arguments).
-export([main/0]).
-include("show.hrl").

main() ->
    logger:set_primary_config(level, none),
    [counts(N) || N <- [254, 255, 256, 260, 1022, 1023, 1024, 1025, 1100, 70000]],
    improper(lists:seq(1, 300) ++ tail),
    improper(lists:seq(1, 1100) ++ tail).

counts(N) ->
    List = lists:seq(1, N),
    Fun = fun(A, B) -> {A, B} end,
    erlang:display({arguments, N}),
    erlang:display(outcome(fun() -> apply(id(lists), id(foo), List) end)),
    erlang:display(outcome(fun() -> apply(id(no_such_module), foo, List) end)),
    erlang:display(outcome(fun() -> apply(erlang, id(apply), [lists, foo, List]) end)),
    erlang:display(outcome(fun() -> apply(id(Fun), List) end)),
    erlang:display(outcome(fun() -> apply(id(not_a_fun), List) end)),
    erlang:display(outcome(fun() -> apply(fun lists:foo/3, List) end)),
    erlang:display(ending(fun() -> spawn_monitor(lists, foo, List) end)),
    erlang:display(ending(fun() -> spawn_opt(lists, foo, List, [monitor]) end)),
    erlang:display(outcome(fun() -> is_pid(spawn(lists, foo, List)) end)),
    erlang:display(outcome(fun() -> is_pid(spawn(node(), lists, foo, List)) end)),
    erlang:display(hibernating(List)).

improper(List) ->
    erlang:display(outcome(fun() -> apply(id(lists), id(foo), List) end)),
    erlang:display(outcome(fun() -> apply(id(fun id/1), List) end)),
    erlang:display(outcome(fun() -> spawn(lists, foo, List) end)),
    erlang:display(outcome(fun() -> spawn_monitor(lists, foo, List) end)).

outcome(F) ->
    try {ok, F()} catch Class:Reason:Stack -> {Class, short(Reason), short(hd(Stack))} end.

ending(F) ->
    {Pid, Monitor} = F(),
    receive {'DOWN', Monitor, process, Pid, Reason} -> short(Reason) end.

%% A process that is woken to call a function that is not there.
hibernating(List) ->
    {Pid, Monitor} = spawn_monitor(fun() -> erlang:hibernate(lists, foo, List) end),
    Pid ! wake,
    receive {'DOWN', Monitor, process, Pid, {Reason, _}} -> Reason end.

%% The same with lists as their lengths, which may end in a tail, and without funs.
short([X | _] = List) when is_integer(X) -> {list, size_of(List, 0)};
short([X | Xs]) -> [short(X) | short(Xs)];
short(T) when is_tuple(T) -> list_to_tuple([short(X) || X <- tuple_to_list(T)]);
short(F) when is_function(F) -> a_fun;
short(X) -> X.

size_of([_ | Rest], N) -> size_of(Rest, N + 1);
size_of(Tail, N) -> {N, Tail}.
