%% What a failing built-in leaves in the first entry of the stack trace: its
%% module, name, arguments and, where it has one, its error_info.
-module(error_info).
-export([main/0]).
-include("show.hrl").

main() ->
    top(fun() -> atom_to_binary(id(1), utf8) end),
    top(fun() -> atom_to_list(id("x")) end),
    [top(fun() -> os:set_signal(id(Signal), id(Option)) end)
     || Signal <- [1, nothing, sigusr1, "sigusr1"], Option <- [handle, nothing, 1], {Signal, Option} =/= {sigusr1, handle}],
    top(fun() -> list_to_atom(id(x)) end),
    top(fun() -> list_to_existing_atom(id("this atom does not exist yet")) end),
    top(fun() -> list_to_integer(id("x")) end),
    top(fun() -> list_to_integer(id("10"), id(99)) end),
    top(fun() -> list_to_float(id("1")) end),
    top(fun() -> list_to_tuple(id(x)) end),
    top(fun() -> list_to_binary(id([256])) end),
    top(fun() -> iolist_to_binary(id([a])) end),
    top(fun() -> integer_to_list(id(x)) end),
    top(fun() -> integer_to_list(id(10), id(37)) end),
    top(fun() -> integer_to_binary(id(1.0)) end),
    top(fun() -> float_to_list(id(1)) end),
    top(fun() -> float_to_list(id(1.0), id([{decimals, 999}])) end),
    top(fun() -> binary_to_list(id(x)) end),
    top(fun() -> binary_to_atom(id(<<255>>), utf8) end),
    top(fun() -> binary_to_term(id(<<1, 2, 3>>)) end),
    top(fun() -> binary_part(id(<<1, 2, 3>>), 2, id(5)) end),
    top(fun() -> split_binary(id(<<1, 2, 3>>), id(4)) end),
    top(fun() -> setelement(id(9), id({a}), x) end),
    top(fun() -> element(id(9), id({a})) end),
    top(fun() -> make_tuple(id(-1)) end),
    top(fun() -> tuple_to_list(id([])) end),
    top(fun() -> hd(id([])) end),
    top(fun() -> length(id([a | b])) end),
    top(fun() -> id([a | b]) ++ [c] end),
    top(fun() -> id([a]) -- id(c) end),
    top(fun() -> lists:reverse(id([a | b]), []) end),
    top(fun() -> lists:member(x, id([a | b])) end),
    top(fun() -> lists:keyfind(k, id(0), []) end),
    top(fun() -> maps:get(id(k), #{}) end),
    top(fun() -> maps:get(k, id(x)) end),
    top(fun() -> maps:find(k, id(x)) end),
    top(fun() -> maps:from_list(id([x])) end),
    top(fun() -> maps:merge(#{}, id(x)) end),
    top(fun() -> maps:update(k, v, id(#{})) end),
    top(fun() -> erlang:nif_error(id(not_loaded)) end),
    top(fun() -> erlang:nif_error(id(not_loaded), [a]) end),
    top(fun() -> register(id(undefined), self()) end),
    top(fun() -> register(id(name), id(pid)) end),
    top(fun() -> unregister(id(nobody_there)) end),
    top(fun() -> id(nobody_there) ! hello end),
    top(fun() -> link(id(x)) end),
    top(fun() -> monitor(process, id("x")) end),
    top(fun() -> exit(id(x), reason) end),
    top(fun() -> process_flag(id(no_flag), true) end),
    top(fun() -> process_info(self(), id(no_item)) end),
    top(fun() -> spawn(id("m"), f, []) end),
    top(fun() -> spawn(m, f, id([a | b])) end),
    top(fun() -> erlang:send_after(id(-1), self(), x) end),
    top(fun() -> erlang:cancel_timer(id(x)) end),
    top(fun() -> halt(id(-1)) end),
    top(fun() -> abs(id(x)) end),
    top(fun() -> trunc(id(x)) end),
    top(fun() -> math:sqrt(id(-1)) end),
    top(fun() -> math:log(id(0)) end),
    top(fun() -> binary:at(id(<<1>>), id(3)) end),
    top(fun() -> apply(id(m), id(f), id(not_a_list)) end),
    top(fun() -> erlang:phash2(x, id(0)) end).

make_tuple(Size) -> erlang:make_tuple(Size, x).

%% Only the failing built-in's own entry: what lies below it is this program.
top(F) ->
    try F() of
        Value -> erlang:display({unexpected, Value})
    catch
        Class:Reason:Stack ->
            {Module, Function, Args, Info} = hd(Stack),
            Shown = [case A =:= self() of true -> self; false -> A end || A <- Args],
            erlang:display({Class, Reason, Module, Function, Shown, Info})
    end.
