%% What the machine can tell of modules, of built-ins and of itself.
-module(module_queries).
-vsn("the version").
-author(nobody).
-export([main/0, one/1]).
-include("show.hrl").

main() ->
    ?SHOW(?MODULE:module_info(module)),
    ?SHOW(lists:sort(?MODULE:module_info(exports))),
    ?SHOW([F || {F, _} <- ?MODULE:module_info(functions), F =:= one orelse F =:= hidden]),
    ?SHOW([lists:keyfind(K, 1, ?MODULE:module_info(attributes)) || K <- [vsn, author, none]]),
    ?SHOW(is_list(?MODULE:module_info(compile))),
    ?SHOW(byte_size(?MODULE:module_info(md5))),
    ?SHOW(lists:sort([K || {K, _} <- ?MODULE:module_info()])),
    ?SHOW(erlang:get_module_info(?MODULE, module)),
    ?TRY(erlang:get_module_info(id(no_such_module), exports)),
    ?SHOW(hidden()),
    ?SHOW([erlang:function_exported(M, F, A)
           || {M, F, A} <- id([{?MODULE, one, 1}, {?MODULE, hidden, 0}, {?MODULE, module_info, 0}, {?MODULE, module_info, 1}, {erlang, abs, 1}])]),
    ?SHOW([erlang:is_builtin(M, F, A) || {M, F, A} <- id([{erlang, abs, 1}, {lists, reverse, 2}, {lists, map, 2}, {?MODULE, one, 1}])]),
    ?SHOW([erlang:module_loaded(M) || M <- id([?MODULE, no_such_module])]),
    ?SHOW(lists:member(?MODULE, erlang:loaded())),
    ?TRY(erlang:module_loaded(id("string"))),
    ?SHOW(erlang:system_info(wordsize)),
    ?SHOW(erlang:system_info({wordsize, external})),
    ?SHOW(erlang:system_info(endian)),
    ?SHOW([is_integer(erlang:system_info(I)) || I <- [process_limit, process_count, atom_limit, atom_count, port_limit, schedulers, schedulers_online]]),
    ?SHOW(erlang:system_info(min_heap_size)),
    ?SHOW(erlang:system_info(fullsweep_after)),
    ?SHOW(erlang:system_info(process_count) =< erlang:system_info(process_limit)),
    ?SHOW([is_list(erlang:system_info(I)) || I <- [otp_release, version, system_version, system_architecture]]),
    ?TRY(erlang:system_info(id(no_such_item))),
    ?SHOW([is_integer(V) || {_, V} <- erlang:memory()] =/= []),
    ?SHOW(erlang:memory(processes) > 0),
    ?SHOW([erlang:fun_info_mfa(F) || F <- [fun lists:map/2, fun ?MODULE:one/1, fun no_such:function/3]]),
    ?SHOW(setelement(2, erlang:fun_info_mfa(fun(X) -> hidden() + X end), name)),
    ?TRY(erlang:fun_info_mfa(id(x))),
    %% What the machine was started with.
    ?SHOW(init:get_argument(id(no_such_flag))),
    ?SHOW(init:get_plain_arguments()),
    ?SHOW([{is_atom(Flag), is_list(Values)} || {Flag, Values} <- init:get_arguments()] -- lists:duplicate(100, {true, true})),
    ?SHOW(?LINE),
    ?SHOW(?FILE),
    ?SHOW(?FUNCTION_NAME),
    ?SHOW(?FUNCTION_ARITY).

one(X) -> X.

hidden() -> hidden_called.
