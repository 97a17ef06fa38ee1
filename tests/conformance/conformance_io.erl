%% The group leader of a case: its output is kept for who wants to look at it, and otherwise thrown away; there is no input.
-module(conformance_io).
-export([start/0, stop/1, capture/1, captured/0]).

start() -> spawn(fun() -> loop(false, []) end).

stop(Pid) -> exit(Pid, kill).

%% `start` or `stop` keeping output.
capture(What) ->
    group_leader() ! {conformance_capture, What},
    ok.

%% What was kept since it was asked for last.
captured() ->
    Ref = make_ref(),
    group_leader() ! {conformance_captured, self(), Ref},
    receive {Ref, Texts} -> Texts
    after 5000 -> []
    end.

loop(Keep, Kept) ->
    receive
        {conformance_capture, What} -> loop(What =:= start, Kept);
        {conformance_captured, Pid, Ref} ->
            Pid ! {Ref, lists:reverse(Kept)},
            loop(Keep, []);
        {io_request, From, ReplyAs, Request} ->
            {Reply, Texts} = request(Request),
            From ! {io_reply, ReplyAs, Reply},
            case Keep of
                true -> loop(Keep, Texts ++ Kept);
                false -> loop(Keep, Kept)
            end;
        _ -> loop(Keep, Kept)
    end.

%% The reply, and the texts that were written, the last first.
request({put_chars, _, Chars}) -> text(Chars);
request({put_chars, Chars}) -> text(Chars);
request({put_chars, _, M, F, A}) -> formatted(M, F, A);
request({put_chars, M, F, A}) -> formatted(M, F, A);
request({requests, Requests}) -> requests(Requests, ok, []);
request({setopts, _}) -> {ok, []};
request(getopts) -> {[{binary, false}, {encoding, unicode}], []};
request({get_geometry, _}) -> {{error, enotsup}, []};
request(Get) when element(1, Get) =:= get_line; element(1, Get) =:= get_chars; element(1, Get) =:= get_until;
                  element(1, Get) =:= get_password -> {eof, []};
request(_) -> {{error, request}, []}.

requests([], Reply, Texts) -> {Reply, Texts};
requests([Request | Rest], _, Texts) ->
    {Reply, More} = request(Request),
    requests(Rest, Reply, More ++ Texts).

formatted(M, F, A) ->
    try text(apply(M, F, A))
    catch _:_ -> {{error, badarg}, []}
    end.

text(Chars) ->
    case unicode:characters_to_list(Chars) of
        List when is_list(List) -> {ok, [List]};
        _ -> {{error, badarg}, []}
    end.
