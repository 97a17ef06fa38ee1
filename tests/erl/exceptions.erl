%% try/catch/of/after and catch, with all three classes and with every
%% exception that the machine itself raises.
-module(exceptions).
-export([main/0]).
-include("show.hrl").

main() ->
    classes(),
    machine_errors(),
    try_of_after(),
    nesting(),
    old_catch(),
    raising().

classes() ->
    ?TRY(throw(id(ball))),
    ?TRY(error(id(reason))),
    ?TRY(error(id(reason), [some, args])),
    ?TRY(exit(id(bye))),
    ?TRY(exit(id({with, [structure], 1.5}))),
    ?TRY(erlang:raise(throw, id(raised), [])),
    ?TRY(erlang:raise(error, id(raised), [])),
    ?TRY(erlang:raise(exit, id(raised), [])),
    ?TRY(erlang:nif_error(id(no_library))).

machine_errors() ->
    ?TRY(clauses(id(3))),
    ?TRY(begin {ok, X} = id({error, enoent}), X end),
    ?TRY(case id(17) of 1 -> one; 2 -> two end),
    ?TRY(if_only(id(-1))),
    ?TRY(try id(5) of 1 -> one catch _:nothing -> none end),
    ?TRY(id(1) + id(atom)),
    ?TRY(id(1) div id(0)),
    ?TRY(id(1) rem id(0)),
    ?TRY(id(1) / id(0)),
    ?TRY(id(1.0) div id(2)),
    ?TRY(-id("string")),
    ?TRY(bnot id(1.0)),
    ?TRY(id(1) bsl id(a)),
    ?TRY(not id('maybe')),
    ?TRY(id(true) and id(1)),
    ?TRY(id('maybe') andalso true),
    ?TRY((id(no_module)):no_function()),
    ?TRY(lists:no_such_function(id(1))),
    ?TRY(apply(id(?MODULE), id(unexported), [])),
    ?TRY(apply(id(1), foo, [])),
    ?TRY(apply(lists, reverse, id([[a] | tail]))),
    ?TRY((id(not_fun))()),
    ?TRY(hd(id([]))),
    ?TRY(tl(id(x))),
    ?TRY(element(id(3), id({a, b}))),
    ?TRY(element(id(0), id({a, b}))),
    ?TRY(setelement(id(3), id({a, b}), c)),
    ?TRY(length(id([a | b]))),
    ?TRY(tuple_size(id([]))),
    ?TRY(byte_size(id(abc))),
    ?TRY(map_size(id(abc))),
    ?TRY(map_get(k, id(#{}))),
    ?TRY(map_get(k, id(nomap))),
    ?TRY((id(#{}))#{k := v}),
    ?TRY((id([]))#{k => v}),
    ?TRY(atom_to_list(id(1))),
    ?TRY(list_to_atom(id([a]))),
    ?TRY(list_to_integer(id("12x"))),
    ?TRY(binary_to_integer(id(<<>>))),
    ?TRY(list_to_tuple(id(x))),
    ?TRY(<<(id(x)):8>>),
    ?TRY(<<(id(1)):(id(-1))>>),
    ?TRY(<<(id(atom))/binary>>),
    ?TRY(<<(id(1.5)):7/float>>),
    ?TRY([X || X <- id(not_list)]),
    ?TRY([X || X <- id([1 | 2])]),
    ?TRY([X || <<X>> <= id(no_binary)]),
    ?TRY([X || X <- [1, 2], id(neither)]),
    ?TRY(id([a]) ++ id(b)),
    ?TRY(id(a) ++ id(b)),
    ?TRY(id([a]) -- id(b)),
    ?TRY(list_to_existing_atom(id("never seen before anywhere"))).

%% The order of side effects is the proof here.
try_of_after() ->
    F = fun(Action) ->
                try Action() of
                    1 -> erlang:display(of_one), one;
                    2 -> throw(thrown_in_of)
                catch
                    throw:T -> erlang:display({caught, T}), {thrown, T};
                    error:E when is_atom(E) -> erlang:display({caught, E}), {error, E}
                after
                    erlang:display(after_clause)
                end
        end,
    ?TRY(F(fun() -> 1 end)),
    ?TRY(F(fun() -> 2 end)),
    ?TRY(F(fun() -> throw(ball) end)),
    ?TRY(F(fun() -> error(atomic) end)),
    ?TRY(F(fun() -> error({not_atomic, 1}) end)),
    ?TRY(F(fun() -> exit(gone) end)),
    ?TRY(F(fun() -> 3 end)),
    ?TRY(try throw(first) after throw(id(second)) end),
    ?TRY(try id(value) after id(ignored) end),
    ?TRY(try throw(a) catch throw:a -> throw(b) after erlang:display(still_after) end).

nesting() ->
    ?TRY(try
             try throw(id(inner))
             catch error:_ -> wrong_class
             end
         catch
             throw:Inner -> {outer_got, Inner}
         end),
    ?TRY(try
             try error(id(one))
             catch error:One -> error({two, One})
             end
         catch
             error:Two -> Two
         end),
    ?TRY(deep(20)),
    ?TRY(through(10)).

%% Twenty handlers on the stack, each of which declines.
deep(0) -> throw(bottom);
deep(N) ->
    try 1 + deep(N - 1)
    catch error:_ -> never
    end.

%% Each level adds itself to what it caught.
through(0) -> exit([]);
through(N) ->
    try through(N - 1)
    catch exit:List -> exit([N | List])
    end.

old_catch() ->
    ?SHOW(catch throw(id(ball))),
    ?SHOW(catch exit(id(bye))),
    ?SHOW(catch id(fine)),
    {'EXIT', {Reason, [_ | _]}} = (catch error(id(oops))),
    ?SHOW(Reason),
    {'EXIT', {Badmatch, _}} = (catch begin a = id(b) end),
    ?SHOW(Badmatch),
    ?SHOW({catch throw(id(1)), catch throw(id(2))}),
    ?SHOW([catch throw(N) || N <- [1, 2, 3]]),
    ?SHOW(catch (catch throw(id(inside)))),
    ?SHOW(catch throw({again, catch throw(id(inside))})).

raising() ->
    ?TRY(try erlang:raise(error, id(x), [{m, f, 1, [{file, "f.erl"}, {line, 3}]}])
         catch error:x:Stack -> Stack
         end),
    ?TRY(erlang:raise(id(bad_class), x, [])),
    ?TRY(erlang:raise(error, x, id(not_a_stack))),
    ?TRY(try
             try error(id(original))
             catch C:R:S -> erlang:raise(C, {wrapped, R}, S)
             end
         catch error:{wrapped, W}:S2 -> {W, element(2, hd(S2)) =/= undefined}
         end).

clauses(1) -> one;
clauses(2) -> two.

if_only(N) -> if N > 0 -> positive; N =:= 0 -> zero end.
