%% Names of files: their native form, directories, links, renaming, the working directory.
%% needs: preloaded modules
-module(file_names).
-export([main/0]).
-include("show.hrl").
-record(file_info, {size, type, access, atime, mtime, ctime, mode, links, major_device,
                    minor_device, inode, uid, gid}).

main() ->
    catch prim_buffer:on_load(),
    catch prim_file:on_load(),
    native(),
    Dir = "/tmp/starling_file_names_" ++ integer_to_list(erlang:system_time())
        ++ integer_to_list(erlang:phash2(make_ref())),
    ok = prim_file:make_dir(Dir),
    {ok, Before} = prim_file:get_cwd(),
    ok = prim_file:set_cwd(Dir),
    try
        directories(),
        links(),
        renaming(),
        unicode(),
        working_directory(Dir)
    after
        prim_file:set_cwd(Before),
        clean(Dir)
    end.

clean(Dir) ->
    {ok, Names} = prim_file:list_dir_all(Dir),
    [begin
         Path = case Name of
                    _ when is_binary(Name) -> <<(list_to_binary(Dir))/binary, $/, Name/binary>>;
                    _ -> [Dir, $/, Name]
                end,
         prim_file:delete(Path) =:= ok orelse clean(lists:flatten(Path))
     end || Name <- Names],
    prim_file:del_dir(Dir).

native() ->
    ?SHOW(file:native_name_encoding()),
    [?TRY({Name, prim_file:internal_name2native(id(Name))})
     || Name <- ["abc", "", <<>>, <<"abc">>, [[["a"]], $b, []], [246], [1024], [16#1F600], <<246>>, <<1024/utf8>>,
                 abc, ["a", b], ["a" | b], ["a" | <<"b">>], [<<"a">>], [16#D800], [16#110000], [-1], [0], "a\0b", <<0>>,
                 <<"a", 0>>, {a}, 1, [1 bsl 70], <<1:1>>, <<1:4, "ab", 1:4>>]],
    [?TRY({Name, prim_file:internal_native2name(id(Name))})
     || Name <- [<<>>, <<"abc">>, <<246>>, <<246/utf8>>, <<16#1F600/utf8, $x>>, <<237, 160, 128>>, <<"a", 0>>, <<1:1>>, abc, "a"]],
    [?TRY({Name, prim_file:internal_normalize_utf8(id(Name))})
     || Name <- [<<>>, <<"abc">>, <<246>>, <<246/utf8>>, <<"a", 16#30a/utf8>>, <<"A", 16#30a/utf8, 16#301/utf8>>,
                 <<$o, 16#308/utf8, $b, $u, 16#308/utf8>>, <<16#1100/utf8, 16#1161/utf8>>, <<16#ac00/utf8, 16#11a8/utf8>>,
                 <<"a", 16#315/utf8, 16#300/utf8>>, <<1:1>>, abc]],
    [?TRY({Name, prim_file:is_translatable(id(Name))})
     || Name <- [<<>>, <<"abc">>, <<246>>, <<246/utf8>>, <<1:1>>, abc, "a"]].

directories() ->
    ?SHOW(prim_file:list_dir(".")),
    ?SHOW(prim_file:make_dir("d")),
    ?SHOW(prim_file:make_dir("d")),
    ?SHOW(prim_file:make_dir("d/e/f")),
    ?SHOW(prim_file:make_dir("d/e/")),
    ?SHOW(prim_file:write_file("d/file", "x")),
    ?SHOW(prim_file:list_dir("d/file")),
    ?SHOW(prim_file:list_dir("d/none")),
    ?SHOW(sorted(prim_file:list_dir("d"))),
    ?SHOW(prim_file:del_dir("d")),
    ?SHOW(prim_file:del_dir("d/file")),
    ?SHOW(prim_file:del_dir("d/none")),
    ?SHOW(prim_file:delete("d/e")),
    ?SHOW(prim_file:delete("d/none")),
    ?SHOW(prim_file:delete("d/file/x")),
    ?SHOW(prim_file:delete("d/file")),
    ?SHOW(prim_file:del_dir("d/e/")),
    ?SHOW(prim_file:del_dir("d/.")),
    ?SHOW(prim_file:del_dir("d")),
    ?SHOW(prim_file:make_dir(lists:duplicate(256, $n))),
    ?SHOW(prim_file:make_dir(lists:duplicate(5000, $n))),
    ?SHOW(prim_file:list_dir(".")).

sorted({ok, Names}) -> {ok, lists:sort(Names)};
sorted(Error) -> Error.

links() ->
    ok = prim_file:write_file("target", "12345"),
    ?SHOW(prim_file:make_symlink("target", "link")),
    ?SHOW(prim_file:make_symlink("target", "link")),
    ?SHOW(prim_file:read_link("link")),
    ?SHOW(prim_file:read_link_all("link")),
    ?SHOW(prim_file:read_link("target")),
    ?SHOW(prim_file:read_link("none")),
    ?SHOW(prim_file:read_file("link")),
    ?SHOW(known(prim_file:read_link_info("link"))),
    ?SHOW(known(prim_file:read_file_info("link"))),
    ?SHOW(prim_file:make_symlink("nowhere", "dangling")),
    ?SHOW(known(prim_file:read_link_info("dangling"))),
    ?SHOW(known(prim_file:read_file_info("dangling"))),
    ?SHOW(prim_file:write_file("dangling", "made")),
    ?SHOW(prim_file:read_file("nowhere")),
    ?SHOW(prim_file:make_symlink("loop", "loop")),
    ?SHOW(prim_file:read_file("loop")),
    ?SHOW(prim_file:read_file_info("loop")),
    ?SHOW(prim_file:make_link("target", "hard")),
    ?SHOW(prim_file:make_link("target", "hard")),
    ?SHOW(prim_file:make_link("none", "other")),
    ?SHOW(prim_file:make_link(".", "other")),
    ?SHOW(known(prim_file:read_file_info("hard"))),
    ?SHOW(prim_file:write_file("hard", "changed")),
    ?SHOW(prim_file:read_file("target")),
    ?SHOW(prim_file:delete("target")),
    ?SHOW(known(prim_file:read_file_info("hard"))),
    ?SHOW(prim_file:read_file("link")),
    ?SHOW([prim_file:delete(Name) || Name <- ["link", "hard", "nowhere", "dangling", "loop"]]),
    ?SHOW(prim_file:list_dir(".")).

known({ok, #file_info{size = Size, type = Type, access = Access, links = Links}}) ->
    {Size, Type, Access, Links};
known(Error) ->
    Error.

renaming() ->
    ok = prim_file:write_file("a", "a"),
    ok = prim_file:write_file("b", "b"),
    ok = prim_file:make_dir("d"),
    ok = prim_file:make_dir("e"),
    ok = prim_file:make_dir("e/inner"),
    ?SHOW(prim_file:rename("a", "c")),
    ?SHOW(prim_file:rename("a", "c")),
    ?SHOW(prim_file:rename("c", "b")),
    ?SHOW(prim_file:read_file("b")),
    ?SHOW(prim_file:rename("b", "d")),
    ?SHOW(prim_file:rename("d", "b")),
    ?SHOW(prim_file:rename("d", "e")),
    ?SHOW(prim_file:rename("d", "e/inner")),
    ?SHOW(prim_file:rename("e", "e/inner/x")),
    ?SHOW(prim_file:rename("e", "e")),
    ?SHOW(prim_file:rename("b", "e/inner/b")),
    ?SHOW(prim_file:rename("e", "f/g")),
    ?SHOW(prim_file:rename("e", ".")),
    ?SHOW(prim_file:rename("/", "x")),
    ?SHOW(sorted(prim_file:list_dir("e/inner"))),
    ?SHOW(prim_file:delete("e/inner/b")),
    ?SHOW(prim_file:del_dir("e/inner")),
    ?SHOW(prim_file:del_dir("e")),
    ?SHOW(prim_file:list_dir(".")).

%% What OTP does with names in a directory that are not UTF-8.
unicode() ->
    ?SHOW(prim_file:write_file([246, 1024, 16#1F600], "unicode")),
    ?SHOW(prim_file:list_dir(".")),
    ?SHOW(prim_file:read_file(<<246/utf8, 1024/utf8, 16#1F600/utf8>>)),
    ?SHOW(prim_file:write_file(<<"raw", 255>>, "raw")),
    ?SHOW(sorted(prim_file:list_dir_all("."))),
    ?SHOW(prim_file:make_symlink(<<"raw", 255>>, "to_raw")),
    ?SHOW(prim_file:read_link("to_raw")),
    ?SHOW(prim_file:read_link_all("to_raw")),
    ?SHOW(prim_file:set_cwd(<<"raw", 255>>)),
    ?SHOW([prim_file:delete(N) || N <- [[246, 1024, 16#1F600], <<"raw", 255>>, "to_raw"]]).

working_directory(Dir) ->
    {ok, Here} = prim_file:get_cwd(),
    ?SHOW(Here =:= Dir),
    ok = prim_file:make_dir("w"),
    ?SHOW(prim_file:set_cwd("w")),
    {ok, There} = prim_file:get_cwd(),
    ?SHOW(There =:= Dir ++ "/w"),
    ?SHOW(prim_file:set_cwd("none")),
    ?SHOW(prim_file:write_file("f", "x")),
    ?SHOW(prim_file:set_cwd("f")),
    ?SHOW(prim_file:del_dir(There)),
    ?SHOW(prim_file:del_dir(Dir)),
    ?SHOW(prim_file:set_cwd("..")),
    ?SHOW(prim_file:read_file("w/../w/./f")),
    ?TRY(prim_file:set_cwd(id(1))),
    ?SHOW(prim_file:set_cwd("")).
