/** The classes that event.from counts, in the order in which xapi names them. */

export const refCountNames: readonly string[] =
  "vdi_nbd_server_info user tunnel task subject sr_stat session secret role probe_result pool_update pool_patch pool network_sriov network message host_patch host_metrics host_crashdump host_cpu host event data_source crashdump console blob auth vusb vtpm vm_metrics vm_guest_metrics vm_group vm_appliance vmss vmpp vm vlan vif_metrics vif vgpu_type vgpu vdi vbd_metrics vbd usb_group sr sm sdn_controller repository rate_limit pvs_site pvs_server pvs_proxy pvs_cache_storage pusb pif_metrics pif pgpu pci pbd observer lvhd host_driver gpu_group feature driver_variant diagnostics dr_task cluster_host cluster certificate caller bond".split(
    " ",
  );
